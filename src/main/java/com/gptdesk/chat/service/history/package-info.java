/**
 * Brings the direct messages of another chat over: reads its export and fills the import's table.
 */
@NullMarked
package com.gptdesk.chat.service.history;

import org.jspecify.annotations.NullMarked;
