-- The door's functions have new parameters, so they are created anew.
-- Locks: none that anybody waits for.

drop function if exists chat.callable_functions();
drop function if exists chat.call_statement(text, text[]);
