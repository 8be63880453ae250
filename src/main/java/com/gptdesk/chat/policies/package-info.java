/**
 * The proof of the policies: the matrix of {@code db/policies.md}, tested on a live database.
 * Depends only on the package database.
 */
@NullMarked
package com.gptdesk.chat.policies;

import org.jspecify.annotations.NullMarked;
