/**
 * Who is asking. A signed token becomes an {@link com.gptdesk.chat.service.auth.Identity} here, or
 * is refused with a reason; what that person may do is decided in the database.
 */
@NullMarked
package com.gptdesk.chat.service.auth;

import org.jspecify.annotations.NullMarked;
