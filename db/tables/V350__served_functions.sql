-- Tells the chat's own functions from those of an operator, in one more column.
-- Locks: none that anybody waits for.

drop function if exists chat.callable_functions(text[]);
