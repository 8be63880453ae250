package com.gptdesk.chat.model;

/**
 * What is unread in all conversations that are neither archived nor muted: what a badge shows.
 *
 * @param messages how many messages; without those that were deleted
 * @param conversations how many conversations they are in
 */
public record UnreadTotal(long messages, long conversations) {}
