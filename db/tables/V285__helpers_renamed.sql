-- Helper functions that have other names: the logic makes them. A call that runs at that moment may still ask for an old one; the
-- service repeats it.
-- Locks: none that anybody waits for.

drop function if exists chat.demand_me();                          -- chat.require_active_user
drop function if exists chat.demand_card();                        -- chat.sender_card
drop function if exists chat.demand_reachable(uuid, uuid);         -- chat.require_reachable
drop function if exists chat.why_not(uuid, uuid);                  -- chat.unreachable_reason
drop function if exists chat.own_message(uuid);                    -- chat.lock_own_message
drop function if exists chat.page(int);                            -- chat.checked_page_size
drop function if exists chat.people(uuid[]);                       -- chat.visible_people
drop function if exists chat.check_content(text, text);            -- chat.checked_content
