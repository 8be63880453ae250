/**
 * {@code POST /rest/v1/rpc/<function>}, as the official client calls it. It decides nothing about
 * the chat: what a caller may do is the database's answer.
 */
@NullMarked
package com.gptdesk.chat.service.rpc;

import org.jspecify.annotations.NullMarked;
