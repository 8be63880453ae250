package com.gptdesk.chat.database;

import org.jspecify.annotations.Nullable;

/**
 * What holds while a function runs, beside who calls.
 *
 * @param findsPublic whether names without a schema are found in schema public, as an operator's
 *     function expects. Not while client roles may create there: somebody else's operator would run
 *     with the rights of the function
 * @param timezone the zone of times in the result; null for UTC
 * @param rollsBack whether the transaction is undone when the answer is made
 */
public record CallSettings(boolean findsPublic, @Nullable String timezone, boolean rollsBack) {}
