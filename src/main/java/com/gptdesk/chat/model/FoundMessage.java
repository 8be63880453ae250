package com.gptdesk.chat.model;

/**
 * A message that a search found.
 *
 * @param message the message
 * @param headline a piece of its text, plain, with each hit between U+E000 and U+E001
 */
public record FoundMessage(Message message, String headline) {}
