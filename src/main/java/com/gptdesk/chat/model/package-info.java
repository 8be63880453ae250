/**
 * What the chat is made of, as immutable values: conversations, messages, people, and the shapes
 * that JSON columns hold. Times are instants; numbers that count messages are {@code long}.
 */
@NullMarked
package com.gptdesk.chat.model;

import org.jspecify.annotations.NullMarked;
