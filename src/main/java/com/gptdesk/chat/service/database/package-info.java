/** The library's way to the database, with what the service alone needs; and its own settings. */
@NullMarked
package com.gptdesk.chat.service.database;

import org.jspecify.annotations.NullMarked;
