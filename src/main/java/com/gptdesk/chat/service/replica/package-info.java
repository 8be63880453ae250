/** A read replica for calls that only read: chosen by what it has replayed, left when it lags. */
@NullMarked
package com.gptdesk.chat.service.replica;

import org.jspecify.annotations.NullMarked;
