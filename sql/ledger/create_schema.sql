-- purpose: the schema of the ledger; sent under the ledger's advisory lock
-- reads:   nothing
-- locks:   none on user objects
create schema if not exists advisor
