-- A list of conversations tells when a mute ends, so that clients need not ask again.
-- Locks: none that anybody waits for.

-- The function that returns it is made anew by R__21.
alter type public.conversation_view add attribute muted_until timestamptz;

comment on column public.conversation_view.muted_until is
  'When the caller''s mute ends, or has ended; null where they have not muted it, or for good.';
