"""From one source a lesson to two notebooks: the executed solution and the student's."""
