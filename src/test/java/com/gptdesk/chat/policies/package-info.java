/**
 * Proves the policies: the matrix, that it notices every weakening, and that audiences agree with
 * it.
 */
@NullMarked
package com.gptdesk.chat.policies;

import org.jspecify.annotations.NullMarked;
