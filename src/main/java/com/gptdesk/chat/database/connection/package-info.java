/** Where a database is, how to log in to it, and what is told when it cannot be reached. */
@NullMarked
package com.gptdesk.chat.database.connection;

import org.jspecify.annotations.NullMarked;
