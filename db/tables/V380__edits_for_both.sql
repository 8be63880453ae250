-- Both people of a message may read its earlier texts. Those of before stay their sender's alone, as was said when they were written.
-- Locks: public.message_edits, ACCESS EXCLUSIVE, a moment: a nullable column, no row is rewritten or read.

alter table public.message_edits add column recipient_id uuid;

comment on column public.message_edits.recipient_id is
  'The other person of the message, so that the policy needs no other table; null for edits made before there was this column, which their sender alone sees.';
comment on table public.message_edits is
  'What a message said before an edit, for its two people. Gone with the message, also when that is deleted.';
