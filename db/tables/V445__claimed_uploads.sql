-- An upload says which bytes it has before they are put where people read them (chat.claim_upload).
-- Locks: SHARE UPDATE EXCLUSIVE on public.chat_files, for the comment.

comment on column public.chat_files.sha256 is
  'SHA-256 of the bytes. While it is uploading null, or what chat.claim_upload was told: no other bytes are stored then.';
