-- purpose: leaves an INVALID index behind: the build meets two accounts with one address and fails
-- writes:  index users_email_key on users
-- locks:   SHARE UPDATE EXCLUSIVE on users
create unique index concurrently users_email_key on users (email)
