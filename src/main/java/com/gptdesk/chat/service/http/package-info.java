/** What every HTTP endpoint shares: TLS, CORS, limits, deadlines, and how an error is told. */
@NullMarked
package com.gptdesk.chat.service.http;

import org.jspecify.annotations.NullMarked;
