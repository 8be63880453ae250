-- Topics beside those of conversations, teams and people: an operator's function says who may use them.
-- Locks: chat.settings, one row, ACCESS EXCLUSIVE.
-- squawk-ignore-file constraint-missing-not-valid

alter table chat.settings
  add column topic_function text,
  add constraint topic_function_has_a_schema check (topic_function ~ '^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$');

comment on column chat.settings.topic_function is
  'Schema and name of a function (topic text) returns table (audience uuid[], team_audience uuid[]): who may use a topic of a name that is not the chat''s. It runs as the owner. Null: nobody. See CHAT_TOPIC_NAMES.';
