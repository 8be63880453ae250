/**
 * The chat as one person uses it from Java: {@link com.gptdesk.chat.client.UserChat} for the calls,
 * {@link com.gptdesk.chat.client.LiveChanges} for the changes that this person may see.
 */
@NullMarked
package com.gptdesk.chat.client;

import org.jspecify.annotations.NullMarked;
