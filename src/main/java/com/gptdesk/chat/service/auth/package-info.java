/**
 * Authentication. A signed token becomes an {@link com.gptdesk.chat.service.auth.Identity} or is
 * refused with a reason. The database decides what that person may do.
 */
@NullMarked
package com.gptdesk.chat.service.auth;

import org.jspecify.annotations.NullMarked;
