/**
 * Where the stations are wired together: the commands a person starts, and the settings they read.
 */
@NullMarked
package com.gptdesk.chat;

import org.jspecify.annotations.NullMarked;
