/**
 * The chat as one person uses it from Java: {@link com.gptdesk.chat.client.UserChat} for what that
 * person does, {@link com.gptdesk.chat.client.LiveChanges} for what that person hears.
 */
@NullMarked
package com.gptdesk.chat.client;

import org.jspecify.annotations.NullMarked;
