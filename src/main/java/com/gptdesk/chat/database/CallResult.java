package com.gptdesk.chat.database;

import org.jspecify.annotations.Nullable;

/**
 * What a function returned, and what it said of the response.
 *
 * @param json JSON text; null for a function that returns nothing
 * @param status its setting {@code response.status}; null for none
 * @param headers its setting {@code response.headers}; null for none
 */
public record CallResult(
    @Nullable String json, @Nullable String status, @Nullable String headers) {}
