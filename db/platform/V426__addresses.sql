-- People are found by their address, whatever its case.
-- Locks: SHARE on public.users while its index is made.

-- A company's people are thousands, and a migration is one transaction.
-- squawk-ignore-file require-concurrent-index-creation

create index users_address_idx on public.users (lower(email));

comment on index public.users_address_idx is 'Whom somebody means by an address, whatever its case.';
