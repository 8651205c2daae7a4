/* Calls functions that have checked forms, on an array, in more code than a toy has. */
#include <stdio.h>
#include <string.h>

int main(int count, char **arguments)
{
    char name[64];

    strcpy(name, arguments[count - 1]);
    printf("%d: %s\n", count, name);
    __asm__ volatile("jmp 1f\n.rept 20000\nnop\n.endr\n1:");
    return 0;
}
