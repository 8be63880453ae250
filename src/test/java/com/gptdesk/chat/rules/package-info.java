/**
 * The rules of {@code db/logic} as tests: who sees, writes and changes what, and with which
 * refusal. {@code R__3_messages.sql} is proved by {@code MessagesRulesTest}, and so for each stem.
 */
@NullMarked
package com.gptdesk.chat.rules;

import org.jspecify.annotations.NullMarked;
