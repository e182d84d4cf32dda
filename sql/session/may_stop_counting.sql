-- purpose: whether this role may set track_counts for its session
-- reads:   privileges on settings
-- locks:   none
select pg_catalog.has_parameter_privilege('track_counts', 'SET') as may
order by 1
