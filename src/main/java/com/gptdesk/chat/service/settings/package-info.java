/**
 * Settings, each told once: name, how its text is read, default, range, meaning and secrecy. Every
 * station names its own; help, the start-up print and the documentation come from them.
 */
@NullMarked
package com.gptdesk.chat.service.settings;

import org.jspecify.annotations.NullMarked;
