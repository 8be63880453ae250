/**
 * Hands on to another back end what is not of the chat: sign-in, files, other tables and functions.
 * Requests and answers are streamed; what would let one side act as the other is taken out.
 */
@NullMarked
package com.gptdesk.chat.service.upstream;

import org.jspecify.annotations.NullMarked;
