/** Backups of the embedded database with its files, and the way back. */
@NullMarked
package com.gptdesk.chat.service.backup;

import org.jspecify.annotations.NullMarked;
