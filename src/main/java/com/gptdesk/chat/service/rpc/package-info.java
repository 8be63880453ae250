/**
 * {@code POST /rest/v1/rpc/<function>}, as the official client calls it. It makes no decisions
 * about the chat: the database decides what a caller may do.
 */
@NullMarked
package com.gptdesk.chat.service.rpc;

import org.jspecify.annotations.NullMarked;
