/** Brings the embedded database to the major version of PostgreSQL that the service includes. */
@NullMarked
package com.gptdesk.chat.service.upgrade;

import org.jspecify.annotations.NullMarked;
