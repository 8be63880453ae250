-- Who may see a change, by kind: people in scopes, teams in team_scopes. A team's id may equal a person's.
-- Locks: relay.change_log and its children, ACCESS EXCLUSIVE, for a change of the catalogue alone.

alter table relay.change_log add column team_scopes uuid[];

comment on column relay.change_log.scopes is 'Ids of the people who may see it. With the members of team_scopes: exactly those whom row-level security lets see the row.';
comment on column relay.change_log.team_scopes is 'Ids of the teams whose members may see it; null for none.';
comment on column relay.presence.scopes is 'Who was to see it when it was tracked, and therefore hears of its end. Not used for a team''s topic, whose name says which team.';
