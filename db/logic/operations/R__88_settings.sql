-- What the service reads of the settings, and of the history of migrations.

drop policy if exists "The service can read the settings" on chat.settings;
create policy "The service can read the settings" on chat.settings
  for select
  to chat_service
  using (true);

comment on policy "The service can read the settings" on chat.settings is 'The service tells clients the limits, and compares what it was built with.';

-- Before it serves, the service compares the database with the migrations it was built with.
-- From chat_service, too: the first version granted it the whole table, in which later ones keep a secret.
revoke all on table chat.flyway_history, chat.settings from public, anon, authenticated, service_role, chat_service;
grant select on chat.flyway_history to chat_service;
-- Not the secret of the claims, nor what is made of it.
grant select (
    only_row, platform, max_message_length, max_reactions, reaction_names, typing_timeout_ms, presence_timeout_ms, change_log_hours,
    change_log_max_mb, retention_days, messages_kept_from, message_key_days, audit,
    topic_function, max_file_bytes, max_files_a_day, max_file_bytes_a_day, file_types, unfinished_upload_hours, unsent_file_hours,
    push_public_key, push_hosts, max_push_subscriptions, max_push_endpoint_length, push_subscription_days
  ) on chat.settings to chat_service;
