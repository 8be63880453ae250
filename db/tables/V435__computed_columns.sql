-- What is told of functions and columns grows: rows of results, functions of a row, rights by role. The shapes of results are the service's now.
-- Locks: none that anybody waits for.

drop function if exists chat.callable_functions(text[]);
drop function if exists chat.call_statement(text, text[], text[]);
drop function if exists chat.served_columns(text[]);
drop function if exists chat.shaped_statement(text, text[], text[], json);
drop function if exists chat.condition_text(jsonb);
