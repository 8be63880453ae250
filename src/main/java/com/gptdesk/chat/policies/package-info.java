/**
 * The proof of the policies: the matrix that {@code db/policies.md} tells, tried out on a live
 * database. Beside the way of a message; stands on the database alone.
 */
@NullMarked
package com.gptdesk.chat.policies;

import org.jspecify.annotations.NullMarked;
