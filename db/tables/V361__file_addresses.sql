-- What V360 made wider holds for what was there.
-- Locks: public.user_messages and its partitions, SHARE UPDATE EXCLUSIVE, while each row is read once: nobody waits.

alter table public.user_messages validate constraint attachment_fits_type;
