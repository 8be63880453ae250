/**
 * The chat's data as immutable values: conversations, messages, people, and the contents of JSON
 * columns. Times are instants; numbers that count messages are {@code long}.
 */
@NullMarked
package com.gptdesk.chat.model;

import org.jspecify.annotations.NullMarked;
