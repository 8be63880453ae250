/**
 * The rules of {@code db/logic} as tests: who sees, writes and changes what, and with which
 * refusal. {@code messages} is proved by {@code MessagesRulesTest}, and so for each folder.
 */
@NullMarked
package com.gptdesk.chat.rules;

import org.jspecify.annotations.NullMarked;
