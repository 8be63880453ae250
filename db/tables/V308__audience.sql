-- Who may see a change is its audience, in the columns and functions, too: a scope is something else to whoever knows OAuth.
-- Locks: relay.change_log and its children and relay.presence, ACCESS EXCLUSIVE, for a change of the catalogue alone.

-- A relay of an earlier version reads nothing until its node is restarted; the change log keeps what it has not read.
-- squawk-ignore-file renaming-column

alter table relay.change_log rename column scopes to audience;
alter table relay.change_log rename column team_scopes to team_audience;
alter table relay.presence rename column scopes to audience;

comment on column relay.change_log.audience is 'Ids of the people who may see it. With the members of team_audience: exactly those whom row-level security lets see the row.';
comment on column public.user_presence.team_id is 'The person''s team, kept by triggers, so that the policy and the audience of a cascaded delete need no other table.';

-- The logic makes these by their new names.
drop function if exists relay.scopes_of_person(uuid);      -- relay.audience_of_person
drop function if exists relay.scopes_of_topic(text);       -- relay.audience_of_topic
drop function if exists relay.scopes_of(uuid);             -- both, before a team's id was told from a person's
drop function if exists relay.topic_scopes(text);
