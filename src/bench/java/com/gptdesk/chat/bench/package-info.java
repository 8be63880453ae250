/**
 * The benchmark: each figure beside what it is compared with, in one run. Not a unit test: {@code
 * scripts/bench} runs it.
 */
@NullMarked
package com.gptdesk.chat.bench;

import org.jspecify.annotations.NullMarked;
