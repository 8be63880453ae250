/** A PostgreSQL of our own, for development and tests. */
@NullMarked
package com.gptdesk.chat.database.embedded;

import org.jspecify.annotations.NullMarked;
