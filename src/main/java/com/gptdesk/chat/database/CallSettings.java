package com.gptdesk.chat.database;

/**
 * What holds while a function runs, beside who calls.
 *
 * @param findsPublic whether names without a schema are found in schema public, as an operator's
 *     function expects. Not while client roles may create there: somebody else's operator would run
 *     with the rights of the function
 */
public record CallSettings(boolean findsPublic) {}
