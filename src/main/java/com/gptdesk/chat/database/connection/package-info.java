/** The address of a database, its login, and the exception for one that is not available. */
@NullMarked
package com.gptdesk.chat.database.connection;

import org.jspecify.annotations.NullMarked;
