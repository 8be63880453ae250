/** What every HTTP endpoint shares: TLS, CORS, limits, deadlines, and errors. */
@NullMarked
package com.gptdesk.chat.service.http;

import org.jspecify.annotations.NullMarked;
