/** An embedded PostgreSQL, for development and tests. */
@NullMarked
package com.gptdesk.chat.database.embedded;

import org.jspecify.annotations.NullMarked;
