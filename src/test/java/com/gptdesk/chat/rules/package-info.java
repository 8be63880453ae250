/**
 * The rules of {@code db/logic} as tests: who sees, writes and changes what, and with which
 * refusal. {@code reactions} is proved by {@code ReactionsRulesTest}, and so for each folder;
 * {@code messages} by a test for each of its files.
 */
@NullMarked
package com.gptdesk.chat.rules;

import org.jspecify.annotations.NullMarked;
