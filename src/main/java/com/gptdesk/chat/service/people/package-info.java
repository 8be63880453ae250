/**
 * Teams and people of the standalone platform: added, changed and read from a file by its operator.
 */
@NullMarked
package com.gptdesk.chat.service.people;

import org.jspecify.annotations.NullMarked;
