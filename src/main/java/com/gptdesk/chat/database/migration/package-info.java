/**
 * What makes the database what it is: migrations, what they need of the platform, and what has
 * drifted since.
 */
@NullMarked
package com.gptdesk.chat.database.migration;

import org.jspecify.annotations.NullMarked;
