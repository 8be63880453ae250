/** Migrations, their requirements on the platform, and the detection of drift. */
@NullMarked
package com.gptdesk.chat.database.migration;

import org.jspecify.annotations.NullMarked;
